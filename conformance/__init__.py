"""The judge: reads what the simulator wrote down and the truth, and says one sentence about an integration."""
