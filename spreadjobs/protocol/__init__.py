"""Bytes to messages and back: frames, messages, payloads, lines. Pure: no I/O, no clock."""
