"""The Wyoming wire as both of its ends need it: messages, their fields, addresses, errors."""
