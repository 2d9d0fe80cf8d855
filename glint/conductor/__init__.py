"""The reconciler: closes the difference between what is wished and what is seen."""
