"""What every side must agree on: documents, names, states, and the stores behind them.

One package per layer; pyproject.toml has their order.
Everybody may import it; it imports nobody.
"""
