package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// cancelRows cancel one call in a hundred and see what that costs the others.
func (b *bench) cancelRows() (rows []row, err error) {
	for _, over := range []protocol{http2, http1} {
		row, err := b.cancelRow(over)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (b *bench) cancelRow(over protocol) (row, error) {
	pair, err := b.smallCalls(over)
	calls := b.size(12_800, 2_560)
	var count atomic.Int64
	return row{
		name: fmt.Sprintf("1 %% cancelled calls, %s, 64 at once", over), against: "none cancelled", rounds: b.size(7, 3), compare: perSecond, target: 0.90,
		ours: b.spread(64, calls, func(ctx context.Context) error {
			if count.Add(1)%100 != 0 {
				return pair.ours(ctx)
			}
			return cancelled(ctx, pair.ours)
		}),
		bare: b.spread(64, calls, pair.ours),
	}, err
}

// cancelled makes a call whose caller loses interest while it is under way.
func cancelled(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	go cancel()
	if err := call(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
