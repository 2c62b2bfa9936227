"""The commands of the simulator, by what they do; the front door is `simulator/cli.py`."""
