"""SmartSplat."""
