"""The Wyoming front-end: speech recognition, speech synthesis and wake words on one port."""
