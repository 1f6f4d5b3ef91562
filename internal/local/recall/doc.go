// Package recall stores memories and finds them by their words: BM25 over
// stemmed English, with single characters and pairs for scripts written
// without spaces. It is lexical: "car" does not find "automobile".
//
// [Store] has its own mutex and may be used by several goroutines. It keeps
// nothing on disk: [Entry] has JSON tags, [Store.List] gives all of them, and
// [New] takes them back.
package recall
