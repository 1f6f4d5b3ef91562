//go:build !linux && !darwin

package main

import "os"

var passedOn = []os.Signal{os.Interrupt}

func fromTerminal(os.Signal) bool { return true }
