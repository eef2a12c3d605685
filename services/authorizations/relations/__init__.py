"""Relations and the rights that hang on them: adding, delegating, removing, listing."""
