package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// authority is the certificate of the doors, which clients must trust.
type authority struct {
	pem  []byte
	cert tls.Certificate
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "sandflare-go interop"},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost"},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &authority{pem: text, cert: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
}

// onlyInOne returns the certificates that are in just one of the bundles: the
// servers' own. This machine's are in all of them, nothing here needs them,
// and the Python clients read the whole file for every call.
func onlyInOne(bundles [][]byte) []byte {
	seen := map[string]int{}
	for _, bundle := range bundles {
		for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
			seen[string(block.Bytes)]++
		}
	}
	var out bytes.Buffer
	for der, times := range seen {
		if times == 1 {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: []byte(der)}) // a buffer takes all
		}
	}
	return out.Bytes()
}
