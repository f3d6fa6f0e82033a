"""The Wyoming protocol as servers and clients both need it: messages, fields, errors, TLS, zeroconf."""
