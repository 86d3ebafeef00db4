"""The loop of a runner, and everything that lives as long as it does.

`loop` polls, `heartbeat` reports the node, `lease_keeper` keeps what was claimed.
`runner.__main__` imports it; nothing below does.
"""
