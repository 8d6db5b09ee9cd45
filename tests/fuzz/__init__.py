"""Hostile input: files of every form, what breaks them, and a fuzzer that goes on with it."""
