module github.com/sandflare/sandflare-go

go 1.26
