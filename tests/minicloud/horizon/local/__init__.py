"""Found by Horizon as its ``local`` package: this folder's parent is first on the path."""
