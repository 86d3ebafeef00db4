"""What many nodes of one job need: rendezvous, leader, helper, link.

`rendezvous` brings the nodes together, `leader` and `helper` are the two parts they play.
Only the agent imports it, for jobs of more than one node.
"""
