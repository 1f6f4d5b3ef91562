package local

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

const idAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// idSource makes names and ids; the same seed makes the same ones.
type idSource struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// newIDSource takes seed 0 for a random one.
func newIDSource(seed uint64) *idSource {
	var key [32]byte
	if seed == 0 {
		crand.Read(key[:]) // never fails
	} else {
		binary.LittleEndian.PutUint64(key[:], seed)
	}
	return &idSource{rng: rand.New(rand.NewChaCha8(key))}
}

func (s *idSource) next(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := make([]byte, 12)
	for i := range id {
		id[i] = idAlphabet[s.rng.IntN(len(idAlphabet))]
	}
	return prefix + string(id)
}
