"""The Wyoming front-end: one port on which clients speak and listen."""
