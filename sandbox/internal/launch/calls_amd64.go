package launch

// Calls that amd64 has and arm64 does not, or has under another name; an
// interpreter built for amd64 may use these or the newer forms in calls.go.
var (
	commonArch = calls("time")
	outerArch  = calls("newfstatat", "open", "stat", "lstat", "readlink", "access", "dup2", "poll", "arch_prctl")
	sealArch   = calls("arch_prctl")

	sealPathsArch = calls("newfstatat", "open", "stat", "lstat", "readlink", "access")
	filesArch     = calls("newfstatat", "stat", "lstat", "readlink", "access", "mkdir", "rmdir", "unlink", "rename", "link", "symlink",
		"dup2", "pipe", "poll", "select", "epoll_wait")
)

// auditArch is what seccomp_data.arch holds for a call of this architecture
// (AUDIT_ARCH_X86_64, include/uapi/linux/audit.h).
const auditArch = 0xc000003e

// x32Bit marks a call of the x32 ABI, which shares auditArch: __X32_SYSCALL_BIT.
const x32Bit = 0x40000000
