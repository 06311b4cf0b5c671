// verify reads a log's files with Go's own packages: signed heads by note, inclusion and consistency by tlog.
//
// Usage: verify FOLDER KEY: FOLDER holds the files of the log, "older" an older head, and "leaves" a line for each
// leaf, its entry in hexadecimal digits. Exits with 1 and says why when Go does not believe them.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type tiles struct{ folder string }

func (t tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		// Go's own path has the height between "tile" and the level; C2SP's tlog-tiles has none: it is always 8.
		body, err := os.ReadFile(filepath.Join(t.folder, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		found = append(found, body)
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func refuse(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func head(path string, verifier note.Verifier) tlog.Tree {
	body, err := os.ReadFile(path)
	refuse(err)
	opened, err := note.Open(body, note.VerifierList(verifier))
	refuse(err)
	var origin, size, root string
	lines := strings.Split(opened.Text, "\n")
	origin, size, root = lines[0], lines[1], lines[2]
	if origin != verifier.Name() {
		refuse(fmt.Errorf("the head is of %s", origin))
	}
	var tree tlog.Tree
	_, err = fmt.Sscanf(size, "%d", &tree.N)
	refuse(err)
	tree.Hash, err = tlog.ParseHash(root)
	refuse(err)
	return tree
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	refuse(err)
	newest, older := head(filepath.Join(folder, "checkpoint"), verifier), head(filepath.Join(folder, "older"), verifier)
	reader := tlog.TileHashReader(newest, tiles{folder})

	leaves, err := os.Open(filepath.Join(folder, "leaves"))
	refuse(err)
	lines := bufio.NewScanner(leaves)
	var number int64
	for ; lines.Scan(); number++ {
		entry, err := hex.DecodeString(lines.Text())
		refuse(err)
		proof, err := tlog.ProveRecord(newest.N, number, reader)
		refuse(err)
		refuse(tlog.CheckRecord(proof, newest.N, newest.Hash, number, tlog.RecordHash(entry)))
	}
	if number != newest.N {
		refuse(fmt.Errorf("%d leaves, and the head says %d", number, newest.N))
	}
	proof, err := tlog.ProveTree(newest.N, older.N, reader)
	refuse(err)
	refuse(tlog.CheckTree(proof, newest.N, newest.Hash, older.N, older.Hash))
	fmt.Printf("%d leaves, grown from %d\n", newest.N, older.N)
}
