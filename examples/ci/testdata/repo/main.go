// Command roman writes its arguments as Roman numbers.
package main

import (
	"os"
	"strconv"

	"example.com/roman/roman"
)

func main() {
	for _, arg := range os.Args[1:] {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			println("not a number from 1 on:", arg)
			os.Exit(1)
		}
		os.Stdout.WriteString(roman.Format(n) + "\n")
	}
}
