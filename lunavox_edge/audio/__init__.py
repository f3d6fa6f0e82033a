"""PCM in and out: conversion, WAV, framing, loudness and speech spans."""
