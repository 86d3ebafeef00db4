"""What many nodes of one job need: rendezvous, leader, helper, link.

Only the agent's session of a gang job imports it.
"""
