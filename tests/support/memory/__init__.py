"""A storage account in memory, below the stores: what `shared.stores` calls of the Azure SDK clients.

The stores of `shared/stores` run on it unchanged, so that what unit tests see is their word too. It is
held to Azurite by the contract suite (tests/contract). Time is a clock that tests move; faults are set in
`Faults`. Not for several threads.
"""
