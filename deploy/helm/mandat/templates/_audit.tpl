{{- /*
The values, as JSON, under which a service's settings are those of who verifies its audit: {root, service}. Nothing of
the service's own way in is left, also where the auditor's is empty.
*/}}
{{- define "mandat.auditor" -}}
{{- $own := get .root.Values.services .service -}}
{{- $auditor := $own.auditor -}}
{{- if and $own.database.url.secret (not $auditor.url.secret) }}
{{- fail (printf "services.%s.auditor.url is needed where database.url names the whole URL: how is the database read?" .service) }}
{{- end }}
{{- if eq $own.database.user $auditor.user }}
{{- fail (printf "services.%s.auditor.user is database.user: who can write must not be who verifies" .service) }}
{{- end }}
{{- $database := deepCopy $own.database -}}
{{- range $part := list "url" "user" "password" "certificate" }}{{ $_ := set $database $part (get $auditor $part) }}{{ end -}}
{{- $as := set (set (deepCopy $own) "database" $database) "kafka" .root.Values.auditVerification.kafka -}}
{{- $services := set (omit .root.Values.services .service) .service $as -}}
{{- set (omit .root.Values "services") "services" $services | toJson -}}
{{- end }}
