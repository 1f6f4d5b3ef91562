package transport

import "sync"

// A budget keeps the retries of a client from adding to a storm: when nothing
// succeeds any more, calls fail at once instead of multiplying the load.
// A retry takes five tokens; a call that succeeds gives back what it took, or one token.
type budget struct {
	mu     sync.Mutex
	tokens int
}

const (
	budgetSize = 500
	retryPrice = 5
)

func newBudget() *budget { return &budget{tokens: budgetSize} }

// take pays for one retry, if there is enough left.
func (b *budget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tokens < retryPrice {
		return false
	}
	b.tokens -= retryPrice
	return true
}

// succeed gives back the price of a successful call's last retry.
func (b *budget) succeed(retries int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	refund := 1
	if retries > 0 {
		refund = retryPrice
	}
	b.tokens = min(b.tokens+refund, budgetSize)
}
