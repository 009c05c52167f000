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
		if err = errors.Join(err, file.Close()); err != nil {
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
func keepFiles(dir string, files []sandbox.OutputFile, say io.Writer) (err error) {
	if len(files) == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	var lost []error
	for _, f := range files {
		if f.Omitted != "" {
			lost = append(lost, fmt.Errorf("%s: left out, because of its %s", f.Name, f.Omitted))
			continue
		}
		if err := keepFile(root, f); err != nil {
			lost = append(lost, fmt.Errorf("%s: %w", f.Name, err))
			continue
		}
		fmt.Fprintf(say, "codecell: wrote %s, %d bytes\n", filepath.Join(dir, f.Name), f.Size)
	}
	return errors.Join(lost...)
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
