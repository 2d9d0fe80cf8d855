"""One package per kind of cloud. A driver knows no database, no RPC and no other driver."""
