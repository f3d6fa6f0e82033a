"""Scheduling: lanes, tasks, deadlines, sessions."""
