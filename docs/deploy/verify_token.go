// Verify access tokens with the standard library alone (docs/tokens.md). Without a new key set, it goes on with the last one.

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

var issuers = []string{"https://dialtone.example.org"}

const (
	audience  = "dialtone"
	tolerance = 30 * time.Second
	maxAge    = 5 * time.Minute  // of the key set
	pause     = 30 * time.Second // between two loads for an unknown kid
)

// Claims of an access token.
type Claims struct {
	Issuer    string          `json:"iss"`
	Audience  string          `json:"aud"`
	IssuedAt  int64           `json:"iat"`
	NotBefore int64           `json:"nbf"`
	Expires   int64           `json:"exp"`
	Subject   string          `json:"sub"`
	Session   string          `json:"sid"`
	App       json.RawMessage `json:"app"`
}

var keys struct {
	sync.Mutex
	byID          map[string]*ecdsa.PublicKey
	loaded, tried time.Time
}

// ErrInvalid is the error of a token that must not be accepted. Others are about the key set.
var ErrInvalid = errors.New("invalid access token")

// Verify returns the claims of an access token.
func Verify(token string) (*Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, ErrInvalid
	}
	var header struct {
		Algorithm string          `json:"alg"`
		Type      string          `json:"typ"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	if decode(parts[0], &header) != nil || header.Algorithm != "ES256" || header.Type != "at+jwt" ||
		header.Critical != nil {
		return nil, ErrInvalid
	}
	key, err := findKey(header.KeyID)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, ErrInvalid
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(key, digest[:], r, s) {
		return nil, ErrInvalid
	}
	var claims Claims
	if decode(parts[1], &claims) != nil || claims.Audience != audience || claims.Subject == "" {
		return nil, ErrInvalid
	}
	now := time.Now()
	if !now.Before(time.Unix(claims.Expires, 0).Add(tolerance)) ||
		now.Add(tolerance).Before(time.Unix(claims.IssuedAt, 0)) ||
		now.Add(tolerance).Before(time.Unix(claims.NotBefore, 0)) {
		return nil, ErrInvalid
	}
	for _, issuer := range issuers {
		if claims.Issuer == issuer {
			return &claims, nil
		}
	}
	return nil, ErrInvalid
}

func findKey(id string) (*ecdsa.PublicKey, error) {
	keys.Lock()
	defer keys.Unlock()
	if key := keys.byID[id]; key != nil && time.Since(keys.loaded) < maxAge {
		return key, nil
	}
	if keys.byID == nil || time.Since(keys.tried) > pause {
		keys.tried = time.Now()
		if err := loadKeys(); err != nil && keys.byID == nil {
			return nil, err
		}
	}
	if key := keys.byID[id]; key != nil {
		return key, nil
	}
	return nil, ErrInvalid
}

func loadKeys() error {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(issuers[0] + "/.well-known/jwks.json")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("key set: %s", response.Status)
	}
	var set struct {
		Keys []struct {
			ID    string `json:"kid"`
			Curve string `json:"crv"`
			X, Y  string
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return err
	}
	byID := map[string]*ecdsa.PublicKey{}
	for _, key := range set.Keys {
		x, errX := base64.RawURLEncoding.DecodeString(key.X)
		y, errY := base64.RawURLEncoding.DecodeString(key.Y)
		if key.Curve == "P-256" && errX == nil && errY == nil {
			byID[key.ID] = &ecdsa.PublicKey{
				Curve: elliptic.P256(), X: new(big.Int).SetBytes(x), Y: new(big.Int).SetBytes(y),
			}
		}
	}
	keys.byID, keys.loaded = byID, time.Now()
	return nil
}

func decode(part string, target any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, target)
}
