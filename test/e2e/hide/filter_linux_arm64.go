package main

// createArch is empty: arm64 has only the calls with directory descriptors.
var createArch []rule
