"""From waves to what a model sees: steps, front ends, augmentations and the view that orders them."""
