package manifest

import "fmt"

// workspaces: programs that have a folder to work in have it in a volume whose size the
// kernel keeps them to. No platform here lets the server mount one itself.
func workspaces(s Service, f figures) []string {
	if f.workspace == 0 {
		return nil
	}
	m, ok := s.Mounts[f.folder]
	switch {
	case f.folder == "":
		return []string{fmt.Sprintf("the profile %s gives its programs a folder, and this container may not mount one: mount a volume, and name it in SANDBOX_WORKSPACE", f.profile)}
	case !ok:
		return []string{fmt.Sprintf("SANDBOX_WORKSPACE is %s, where no volume is mounted: the root file system can't be written to", f.folder)}
	case m.ReadOnly:
		return []string{fmt.Sprintf("the volume at %s is read-only", f.folder)}
	case !m.Memory:
		return []string{fmt.Sprintf("the volume at %s is not in memory (emptyDir with medium: Memory): elsewhere it may have no size that the kernel keeps a program to, and the pod would be evicted for it", f.folder)}
	case m.Size == 0:
		return []string{fmt.Sprintf("the volume at %s has no sizeLimit: a program could fill half of the node's memory with it, and the server sets all of that aside", f.folder)}
	case m.Size != f.workspace:
		return []string{fmt.Sprintf("the volume at %s has %d MiB, but the profile %s says %d to its programs (workspace_mib)", f.folder, m.Size>>20, f.profile, f.workspace>>20)}
	}
	return nil
}
