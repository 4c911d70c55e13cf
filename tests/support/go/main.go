// Checks what Minutebook signs and proves with golang.org/x/mod/sumdb, in which nothing is Minutebook's.
//
// Reads JSON, a line for each thing to check, and answers each with a line: "ok", or what is wrong with it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type claim struct {
	Key        string   // of the log: name+id+base64
	Checkpoint string   // the signed note
	Path       []string // hashes in base64
	Old        string   // an earlier signed note: the path proves that the log grew out of it
	Leaf       string   // a leaf hash in base64: the path proves that it is the leaf Index
	Index      int64
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var one claim
		err := json.Unmarshal(lines.Bytes(), &one)
		if err == nil {
			err = check(one)
		}
		if err == nil {
			fmt.Fprintln(out, "ok")
		} else {
			fmt.Fprintln(out, strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
}

func check(one claim) error {
	tree, err := open(one.Checkpoint, one.Key)
	if err != nil {
		return err
	}
	var path []tlog.Hash
	for _, text := range one.Path {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		path = append(path, hash)
	}
	if one.Old != "" {
		old, err := open(one.Old, one.Key)
		if err != nil {
			return err
		}
		return tlog.CheckTree(path, tree.N, tree.Hash, old.N, old.Hash)
	}
	leaf, err := tlog.ParseHash(one.Leaf)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, tree.N, tree.Hash, one.Index, leaf)
}

func open(text, key string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}
