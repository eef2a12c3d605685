"""./mandat cluster-test: everything installed on a real Kubernetes that is at hand, used, broken, replaced, removed."""
