"""What every side must agree on: documents, names, states, and the stores behind them."""
