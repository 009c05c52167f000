package launch

// arm64 has only the newer forms: no open, stat, access, readlink, dup2, poll,
// time. The table that names are looked up in has its newfstatat as fstatat.
var (
	commonArch []rule
	outerArch  = calls("fstatat")
	sealArch   []rule

	sealPathsArch = calls("fstatat")
	filesArch     = calls("fstatat")
)

// auditArch is what seccomp_data.arch holds for a call of this architecture
// (AUDIT_ARCH_AARCH64, include/uapi/linux/audit.h).
const auditArch = 0xc00000b7

// x32Bit is amd64's; no call of arm64 has this bit either.
const x32Bit = 0x40000000
