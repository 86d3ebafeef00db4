"""The loop of a runner and everything that lives as long as it does.

`runner.__main__` imports it; nothing below does.
"""
