package transport_test

import "testing"

// TestFaults runs the rows of the fault matrix that this package answers for.
// The first word of a name is the row.
func TestFaults(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"C1_connection_refused":          refusedConnection,
		"C2_no_such_host":                noSuchHost,
		"C3_temporary_dns_failure":       temporaryDNSFailure,
		"C5_reset_before_request":        resetBeforeRequest,
		"C6_reset_after_read":            resetAfterRead,
		"C7_kept_alive_connection_dies":  keptAliveConnectionDies,
		"C8_no_headers":                  noHeaders,
		"C9_slow_headers":                slowHeaders,
		"C10_empty_reply":                emptyReply,
		"C11_garbage":                    garbage,
		"C12_proxy_refuses":              proxyRefuses,
		"C13_informational_answers":      informationalAnswers,
		"C14_odd_status":                 oddStatus,
		"C15_bad_content_length":         badContentLength,
		"U1_untrusted_certificate":       untrustedCertificate,
		"U1_expired_certificate":         expiredCertificate,
		"U2_wrong_scheme":                wrongScheme,
		"U3_redirect_loop":               redirectLoop,
		"U4_redirect_elsewhere":          redirectElsewhere,
		"U5_redirect_same_origin":        redirectSameOrigin,
		"U6_base_url":                    baseURLs,
		"U7_plain_http":                  plainHTTP,
		"H1_H2_client_errors":            clientErrors,
		"H3_404_on_delete":               notFoundOnDelete,
		"H4_408_425":                     timeoutAndTooEarly,
		"H5_429_retry_after":             rateLimited,
		"H5b_429_plan_limit":             planLimit,
		"H6_retry_after_date":            retryAfterDate,
		"H7_bad_retry_after":             badRetryAfter,
		"H8_retry_after_too_long":        retryAfterTooLong,
		"H8_retry_after_for_ever":        retryAfterForEver,
		"H9_429_without_header":          rateLimitedWithoutHeader,
		"H10_gateway_errors":             gatewayErrors,
		"H11_lasting_server_errors":      lastingServerErrors,
		"H12_storm":                      storm,
		"H14_empty_success":              emptySuccess,
		"B1_cut_body":                    cutBody,
		"B2_cut_without_framing":         cutWithoutFraming,
		"B3_gzip":                        cutGzip,
		"B6_endless_error_body":          endlessErrorBody,
		"X2_cancel_in_virtual_time":      cancelInVirtualTime,
		"B7_endless_answer":              endlessAnswer,
		"B13_stall_in_body":              stallInBody,
		"F1_F5_F7_bodies_read_once":      bodiesReadOnce,
		"F5_body_fails":                  bodyFails,
		"F6_early_refusal":               earlyRefusal,
		"F6_early_success":               earlySuccess,
		"X1_context_done":                contextDone,
		"X2_cancel_anywhere":             cancelAnywhere,
		"X3_cancel_with_cause":           cancelWithCause,
		"X5_clock_skew":                  clockSkew,
		"X6_suspended_in_backoff":        suspendedInBackoff,
		"R2_refused_then_ok":             refusedThenOK,
		"R3_effect_sent_once":            effectSentOnce,
		"R4_R5_same_request_every_time":  sameRequestEveryTime,
		"R6_budget":                      retryBudget,
		"R7_retries_off":                 retriesOff,
		"R8_error_after_four_attempts":   errorAfterFourAttempts,
		"I2_keys":                        keys,
		"I9_nil_context":                 nilContext,
		"S15_break_closes_connection":    breakClosesConnection,
		"S12_refused_stream":             refusedStream,
		"G3_errors_keep_the_connection":  errorsKeepConnection,
		"G5_streams_outlive_idle_closes": streamsOutliveIdleCloses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}
