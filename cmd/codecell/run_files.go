package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"codecell/function"
	"codecell/sandbox"
)

// readFiles reads what a program is to find in its folder, in all at most as much as a
// request may have.
func readFiles(paths []string) (files []sandbox.InputFile, err error) {
	room := int64(function.MaxBody)
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(file, room+1))
		if err := errors.Join(err, file.Close()); err != nil {
			return nil, err
		}
		if room -= int64(len(data)); room < 0 {
			return nil, fmt.Errorf("%s: files may have at most %d bytes in all", path, function.MaxBody)
		}
		files = append(files, sandbox.InputFile{Name: filepath.Base(path), Data: data})
	}
	return files, nil
}

// keepFiles writes a program's files into a folder and says what it wrote. Their names are
// the program's: none leads out of the folder, and none that is there already is touched.
func keepFiles(root *os.Root, files []sandbox.OutputFile, say io.Writer) error {
	var lost []error
	for _, f := range files {
		if f.Omitted != "" {
			lost = append(lost, fmt.Errorf("%s: %s", f.Name, leftOut(f.Omitted)))
			continue
		}
		if err := keepFile(root, f); err != nil {
			lost = append(lost, fmt.Errorf("%s: %w", f.Name, err))
			continue
		}
		fmt.Fprintf(say, "codecell: wrote %s, %d bytes\n", filepath.Join(root.Name(), f.Name), f.Size)
	}
	return errors.Join(lost...)
}

// leftOut says why there is only a name.
func leftOut(why sandbox.Omitted) string {
	switch why {
	case sandbox.OmittedSize:
		return fmt.Sprintf("left out, as more than %d bytes in all are", sandbox.MaxOutputBytes)
	case sandbox.OmittedCount:
		return fmt.Sprintf("left out, as what comes after %d files is", sandbox.MaxOutputs)
	case sandbox.OmittedUnreadable:
		return "left out: it can't be read"
	case sandbox.OmittedName:
		return "left out because of its name"
	case sandbox.OmittedSearch:
		return "there may be more: the folder has too many files to look at all"
	}
	return string(why)
}

func keepFile(root *os.Root, f sandbox.OutputFile) (err error) {
	if err := root.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil { //nolint:gosec // whatever the umask leaves, as any program's
		return err
	}
	file, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = file.Write(f.Data)
	return errors.Join(err, file.Close())
}
