"""What the stores promise, written once and run twice: in memory (tests/unit/shared/stores) and in a
real Azurite (tests/integration/contract). Each test is handed `world` (tests.support.world) or
`faulty` (tests.support.contract.wires) by the suite that runs it.
"""
