package transport_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// certificateUntil is for this machine, signed by itself.
func certificateUntil(t *testing.T, end time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: end.Add(-24 * time.Hour), NotAfter: end,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func expiredCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		end  time.Time
		good bool
	}{"expired": {time.Now().Add(-time.Hour), false}, "valid": {time.Now().Add(time.Hour), true}} {
		cert := certificateUntil(t, c.end)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }))
		server.Config.ErrorLog = quiet
		server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		server.StartTLS()
		t.Cleanup(server.Close)
		pool := x509.NewCertPool()
		pool.AddCert(cert.Leaf)
		rt := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
		t.Cleanup(rt.CloseIdleConnections)
		_, err := newClient(t, server.URL, through(rt)).Do(t.Context(), exec)
		if c.good {
			assert.NoError(t, err, name)
			continue
		}
		e := failure(t, err)
		assert.Equal(t, 1, e.Attempts)
		assert.False(t, e.OutcomeUnknown)
		assert.Contains(t, err.Error(), "expired")
	}
}
