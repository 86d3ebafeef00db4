"""What the stores promise, told once and run twice: in memory (tests/unit/shared/stores/test_contract_in_memory.py)
and in a real Azurite (tests/integration/contract). Each test is handed `world` (tests.support.world) or
`faults` (tests.support.contract.wires) by the suite that runs it.
"""
