// Checks an export with the code that checks Go's own modules, which knows nothing of us: golang.org/x/mod/sumdb.
//
//	verify KEY FOLDER [OLDER-CHECKPOINT]
//
// Every entry of the bundles in FOLDER is held to the signed root, and the tree to the older checkpoint.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func head(path, key string) (int64, tlog.Hash) {
	text, err := os.ReadFile(path)
	if err != nil {
		fail("%v", err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		fail("key: %v", err)
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		fail("checkpoint: %v", err)
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("size: %v", err)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		fail("root: %v", err)
	}
	var hash tlog.Hash
	copy(hash[:], root)
	return size, hash
}

func bundlePath(folder string, n int64, width int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < 256 {
		path += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join(folder, "tile", "entries", path)
}

func main() {
	key, folder := os.Args[1], os.Args[2]
	size, root := head(filepath.Join(folder, "checkpoint"), key)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for at, index := range indexes {
			found[at] = stored[index]
		}
		return found, nil
	})
	var leaves []tlog.Hash
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		bundle, err := os.ReadFile(bundlePath(folder, first/256, width))
		if err != nil {
			fail("%v", err)
		}
		for reading := bytes.NewBuffer(bundle); reading.Len() > 0; {
			length := binary.BigEndian.Uint16(reading.Next(2))
			entry := reading.Next(int(length))
			leaf := tlog.RecordHash(entry)
			hashes, err := tlog.StoredHashesForRecordHash(int64(len(leaves)), leaf, reader)
			if err != nil {
				fail("%v", err)
			}
			leaves = append(leaves, leaf)
			stored = append(stored, hashes...)
		}
	}
	got, err := tlog.TreeHash(size, reader)
	if err != nil || got != root {
		fail("the entries have another root than the checkpoint")
	}
	for index, leaf := range leaves {
		proof, err := tlog.ProveRecord(size, int64(index), reader)
		if err != nil {
			fail("%v", err)
		}
		if err := tlog.CheckRecord(proof, size, root, int64(index), leaf); err != nil {
			fail("entry %d: %v", index, err)
		}
	}
	if len(os.Args) > 3 {
		olderSize, olderRoot := head(os.Args[3], key)
		proof, err := tlog.ProveTree(size, olderSize, reader)
		if err != nil {
			fail("%v", err)
		}
		if err := tlog.CheckTree(proof, size, root, olderSize, olderRoot); err != nil {
			fail("older checkpoint: %v", err)
		}
	}
	fmt.Printf("%d entries\n", size)
}
