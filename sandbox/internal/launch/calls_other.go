//go:build !amd64 && !arm64

package launch

var commonArch, outerArch, sealArch, sealPathsArch, filesArch []rule

// No filter can be assembled here: see Filters.
const auditArch, x32Bit = 0, 0
