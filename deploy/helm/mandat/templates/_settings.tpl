{{- /* What a process is told: chassis/settings.py and the settings.py of its service, by the names there. */}}

{{- /* The same for all processes of a service, nothing secret: the lines of a ConfigMap. The image names the agency. */}}
{{- define "mandat.settings" -}}
{{- $values := .root.Values -}}
{{- $own := get $values.services .service -}}
MANDAT_GATEWAY_HOST: {{ $values.listen | quote }}
MANDAT_GATEWAY_PORT: "8080"
MANDAT_OPERATIONS_HOST: {{ $values.listen | quote }}
MANDAT_OPERATIONS_PORT: "8081"
MANDAT_ISSUER_BASE: {{ $values.issuerBase | default (printf "https://%s" (first $values.hosts)) | quote }}
MANDAT_ISSUER_KEYS: http://{{ include "mandat.name" (dict "root" .root "service" "accounts") }}/.well-known/jwks.json
MANDAT_KEYRING: /secrets/keyring/keyring.json
MANDAT_SEALING_KEYS: /config/sealing-keys/sealing.json
MANDAT_LOG_LEVEL: {{ $values.logLevel | quote }}
{{- with $values.trustedProxies }}
MANDAT_TRUSTED_PROXIES: {{ join "," . | quote }}
{{- end }}
{{- with $values.demoAgentIssuers }}
MANDAT_DEMO_AGENT_ISSUERS: {{ toJson . | quote }}
{{- end }}
{{- with $values.traces.to }}
MANDAT_TRACES: {{ . | quote }}
MANDAT_TRACES_SHARE: {{ $values.traces.share | quote }}
{{- end }}
{{ include "mandat.settings.authorities" . }}
{{ include "mandat.settings.database" . }}
{{ include "mandat.settings.kafka" . }}
{{- if eq .service "accounts" }}
{{- with $values.machines }}
MANDAT_MACHINES: {{ toJson . | quote }}
{{- end }}
{{- if $values.places.configMap }}
MANDAT_PLACES: /config/places/places.csv
{{- end }}
{{- end }}
{{- if eq .service "notifications" }}
{{ include "mandat.settings.mail" .root }}
{{- end }}
{{- range $name, $value := $own.env }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "mandat.settings.authorities" -}}
{{- if .root.Values.authorities.configMap -}}
SSL_CERT_FILE: /config/authorities/ca.crt
{{- end }}
{{- end }}

{{- define "mandat.settings.database" -}}
{{- $database := get (get .root.Values.services .service) "database" -}}
{{- if not $database.url.secret -}}
MANDAT_DATABASE_URL: {{ include "mandat.database" (dict "root" .root "service" .service "database" $database) | quote }}
MANDAT_DATABASE_PASSWORD_FILE: /secrets/database/password
{{- end }}
{{- end }}

{{- /* The URL of a service's database, without a password. */}}
{{- define "mandat.database" -}}
{{- $tls := .root.Values.postgres.tls -}}
{{- $host := .host | default (include "mandat.postgres.host" .) -}}
{{- $port := .port | default .root.Values.postgres.external.port -}}
postgresql://{{ .database.user }}@{{ $host }}:{{ $port }}/{{ .database.name }}?sslmode={{ $tls.mode }}
{{- if hasPrefix "verify" $tls.mode }}&sslrootcert={{ ternary "/secrets/database-ca/ca.crt" "/etc/ssl/certs/ca-certificates.crt" (ne "" (include "mandat.postgres.ca" .)) }}{{ end }}
{{- if .database.certificate.secret }}&sslcert=/secrets/database-certificate/tls.crt&sslkey=/secrets/database-certificate/tls.key{{ end }}
{{- end }}

{{- define "mandat.postgres.host" -}}
{{- if eq .root.Values.postgres.mode "cloudnative-pg" -}}
{{ include "mandat.postgres.cluster" . }}-rw
{{- else -}}
{{ .database.host | default .root.Values.postgres.external.host | required "postgres.external.host is needed: where is the database?" }}
{{- end }}
{{- end }}

{{- /* The name of the Secret with the authority of a service's server, or nothing: {root, service}. */}}
{{- define "mandat.postgres.ca" -}}
{{- if eq .root.Values.postgres.mode "cloudnative-pg" }}{{ include "mandat.postgres.cluster" . }}-ca{{ else }}{{ .root.Values.postgres.tls.ca.secret }}{{ end }}
{{- end }}

{{- /* {host, port} of the pooler of a service's api, or nothing: {root, service}. */}}
{{- define "mandat.pooler" -}}
{{- $postgres := .root.Values.postgres -}}
{{- $own := (get .root.Values.services .service).database.pooler -}}
{{- if $own.host -}}
{{ toJson $own }}
{{- else if and (eq $postgres.mode "cloudnative-pg") $postgres.cloudnativePg.pooler.enabled -}}
{{ dict "host" (include "mandat.postgres.pooler" .) "port" 5432 | toJson }}
{{- end }}
{{- end }}

{{- define "mandat.settings.kafka" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $user := get (get (get .root.Values.services .service) "kafka") "user" -}}
MANDAT_KAFKA_SERVERS: {{ include "mandat.kafka.servers" .root | quote }}
{{- with $kafka.topicPrefix }}
MANDAT_TOPIC_PREFIX: {{ . | quote }}
{{- end }}
{{- if include "mandat.kafka.tls" .root }}
MANDAT_KAFKA_TLS: tls
{{- if include "mandat.kafka.ca" .root }}
MANDAT_KAFKA_CA_FILE: /secrets/kafka-ca/ca.crt
{{- end }}
{{- end }}
{{- if eq $kafka.authentication "mtls" }}
MANDAT_KAFKA_CERTIFICATE_FILE: /secrets/kafka/tls.crt
MANDAT_KAFKA_KEY_FILE: /secrets/kafka/tls.key
{{- else if has $kafka.authentication (list "scram-sha-512" "plain") }}
MANDAT_KAFKA_SASL: {{ $kafka.authentication }}
MANDAT_KAFKA_USERNAME: {{ include "mandat.kafka.user" . | quote }}
MANDAT_KAFKA_PASSWORD_FILE: /secrets/kafka/password
{{- else if eq $kafka.authentication "oauthbearer" }}
MANDAT_KAFKA_SASL: oauthbearer
MANDAT_KAFKA_TOKEN_URL: {{ required "kafka.oauth.tokenUrl is needed: where do services ask for the brokers' tokens?" $kafka.oauth.tokenUrl | quote }}
MANDAT_KAFKA_CLIENT_ID: {{ $user | quote }}
MANDAT_KAFKA_CLIENT_SECRET_FILE: /secrets/kafka/client-secret
{{- with $kafka.oauth.scope }}
MANDAT_KAFKA_TOKEN_SCOPE: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mandat.kafka.servers" -}}
{{- if eq .Values.kafka.mode "strimzi" -}}
{{ include "mandat.kafka.cluster" . }}-kafka-bootstrap:9093
{{- else -}}
{{ required "kafka.servers is needed: where are the brokers?" .Values.kafka.servers }}
{{- end }}
{{- end }}

{{- /* Whether the migration's Job makes topics: Strimzi makes its own. */}}
{{- define "mandat.topics" -}}
{{- if and .Values.kafka.createTopics (eq .Values.kafka.mode "external") }}yes{{ end }}
{{- end }}

{{- define "mandat.kafka.tls" -}}
{{- if or .Values.kafka.tls.enabled (eq .Values.kafka.mode "strimzi") }}yes{{ end }}
{{- end }}

{{- /* The name of the Secret with the brokers' authority, or nothing. */}}
{{- define "mandat.kafka.ca" -}}
{{- if eq .Values.kafka.mode "strimzi" }}{{ include "mandat.kafka.cluster" . }}-cluster-ca-cert{{ else }}{{ .Values.kafka.tls.ca.secret }}{{ end }}
{{- end }}

{{- define "mandat.kafka.user" -}}
{{- if eq .root.Values.kafka.mode "strimzi" }}{{ include "mandat.strimzi.user" . }}{{ else }}{{ get (get (get .root.Values.services .service) "kafka") "user" }}{{ end }}
{{- end }}

{{- /* The name of the Secret with what signs a service in to the brokers; Strimzi names it for its user. */}}
{{- define "mandat.kafka.secret" -}}
{{- if eq .root.Values.kafka.mode "strimzi" }}{{ include "mandat.strimzi.user" . }}{{ else }}{{ get (get (get .root.Values.services .service) "kafka") "secret" }}{{ end }}
{{- end }}

{{- define "mandat.settings.mail" -}}
{{- $smtp := .Values.smtp -}}
MANDAT_SMTP_HOSTS: {{ join "," $smtp.hosts | required "smtp.hosts is needed: who takes our mails?" | quote }}
MANDAT_SMTP_TLS: {{ $smtp.tls }}
MANDAT_SMTP_CONNECTIONS: {{ $smtp.connections | quote }}
{{- if $smtp.ca.secret }}
MANDAT_SMTP_CA_FILE: /secrets/smtp-ca/ca.crt
{{- end }}
{{- with $smtp.username }}
MANDAT_SMTP_USERNAME: {{ . | quote }}
MANDAT_SMTP_PASSWORD_FILE: /secrets/smtp/password
{{- end }}
{{- with .Values.bounces.address }}
MANDAT_BOUNCE_ADDRESS: {{ . | quote }}
{{- end }}
{{- if .Values.bounces.server }}
MANDAT_BOUNCE_HOST: {{ .Values.listen | quote }}
MANDAT_BOUNCE_PORT: "8024"
MANDAT_BOUNCE_FEEDBACK_LOOPS: {{ .Values.bounces.feedbackLoops | quote }}
{{- end }}
{{- end }}

{{- /* The rest of the environment: what differs between the processes of a service, and what only a Secret knows. */}}
{{- define "mandat.environment" -}}
{{- $values := .root.Values -}}
{{- $database := get (get $values.services .service) "database" -}}
{{- if $database.url.secret }}
- name: MANDAT_DATABASE_URL
  valueFrom: {secretKeyRef: {name: {{ $database.url.secret }}, key: {{ $database.url.key }}}}
{{- else if and (has .component (list "api" "migrate")) (include "mandat.pooler" .) }}
{{- $pooler := include "mandat.pooler" . | fromYaml }}
- name: MANDAT_DATABASE_DIRECT_URL
  value: {{ include "mandat.database" (dict "root" .root "service" .service "database" $database) | quote }}
- name: MANDAT_DATABASE_URL
  value: {{ include "mandat.database" (dict "root" .root "service" .service "database" $database "host" $pooler.host "port" $pooler.port) | quote }}
{{- end }}
{{- with .connections }}
- name: MANDAT_DATABASE_CONNECTIONS
  value: {{ . | quote }}
{{- end }}
{{- if and (eq .service "linking") (not (has .component (list "migrate" "audit" "audit-allow"))) $values.directories.secret }}
- name: MANDAT_DIRECTORIES
  valueFrom: {secretKeyRef: {name: {{ $values.directories.secret }}, key: {{ $values.directories.key }}}}
{{- end }}
{{- end }}

{{- /* What a process finds as files, as {items: [{name, path, secret | configMap, files: {NAME: key}}]}. */}}
{{- define "mandat.files" -}}
{{- $values := .root.Values -}}
{{- $own := get $values.services .service -}}
items:
{{- if not (has .component (list "migrate" "audit" "audit-allow")) }}
  - {name: keyring, path: /secrets/keyring, secret: {{ $own.keyring.secret }}, files: {keyring.json: {{ $own.keyring.key }}}}
  - {name: sealing-keys, path: /config/sealing-keys, configMap: {{ $values.sealingKeys.configMap }}, files: {sealing.json: {{ $values.sealingKeys.key }}}}
{{- if and (eq .service "notifications") $values.smtp.password.secret }}
  - {name: smtp, path: /secrets/smtp, secret: {{ $values.smtp.password.secret }}, files: {password: {{ $values.smtp.password.key }}}}
{{- end }}
{{- if and (eq .service "notifications") $values.smtp.ca.secret }}
  - {name: smtp-ca, path: /secrets/smtp-ca, secret: {{ $values.smtp.ca.secret }}, files: {ca.crt: {{ $values.smtp.ca.key }}}}
{{- end }}
{{- if and (eq .service "accounts") $values.places.configMap }}
  - {name: places, path: /config/places, configMap: {{ $values.places.configMap }}, files: {places.csv: {{ $values.places.key }}}}
{{- end }}
{{- end }}
{{- if $values.authorities.configMap }}
  - {name: authorities, path: /config/authorities, configMap: {{ $values.authorities.configMap }}, files: {ca.crt: {{ $values.authorities.key }}}}
{{- end }}
{{- if not $own.database.url.secret }}
  - {name: database, path: /secrets/database, secret: {{ $own.database.password.secret }}, files: {password: {{ $own.database.password.key }}}}
{{- end }}
{{- with $own.database.certificate.secret }}
  - {name: database-certificate, path: /secrets/database-certificate, secret: {{ . }}, files: {tls.crt: tls.crt, tls.key: tls.key}}
{{- end }}
{{- with include "mandat.postgres.ca" . }}
  - {name: database-ca, path: /secrets/database-ca, secret: {{ . }}, files: {ca.crt: {{ $values.postgres.tls.ca.key }}}}
{{- end }}
{{- $strimzi := eq $values.kafka.mode "strimzi" }}
{{- $signs := get (dict "mtls" (dict "tls.crt" ($strimzi | ternary "user.crt" "tls.crt") "tls.key" ($strimzi | ternary "user.key" "tls.key")) "scram-sha-512" (dict "password" "password") "plain" (dict "password" "password") "oauthbearer" (dict "client-secret" "client-secret")) $values.kafka.authentication }}
{{- with $signs }}
  - {name: kafka, path: /secrets/kafka, secret: {{ include "mandat.kafka.secret" $ }}, files: {{ toJson . }}}
{{- end }}
{{- with include "mandat.kafka.ca" .root }}
  - {name: kafka-ca, path: /secrets/kafka-ca, secret: {{ . }}, files: {ca.crt: {{ $values.kafka.tls.ca.key }}}}
{{- end }}
{{- end }}

{{- /* Every Secret that must exist, with its keys: {NAME: [key]}. Those that an operator makes are not among them. */}}
{{- define "mandat.secrets" -}}
{{- $values := .Values -}}
{{- $made := list -}}
{{- if eq $values.kafka.mode "strimzi" }}{{ $made = append $made (include "mandat.kafka.ca" .) }}{{ end -}}
{{- $found := dict -}}
{{- range $service, $own := $values.services }}
{{- $of := dict "root" $ "service" $service }}
{{- if eq $values.kafka.mode "strimzi" }}{{ $made = append $made (include "mandat.kafka.secret" $of) }}{{ end }}
{{- $files := (include "mandat.files" $of | fromYaml).items | default list }}
{{- $roles := list $own.database }}
{{- if $values.auditVerification.enabled }}
{{- $auditor := dict "root" (dict "Values" (include "mandat.auditor" $of | fromJson) "Release" $.Release) "service" $service "component" "audit" }}
{{- $files = concat $files ((include "mandat.files" $auditor | fromYaml).items | default list) }}
{{- $roles = append $roles $own.auditor }}
{{- if eq $values.kafka.mode "strimzi" }}{{ $made = append $made (include "mandat.kafka.secret" $auditor) }}{{ end }}
{{- end }}
{{- if eq $values.postgres.mode "cloudnative-pg" }}
{{- $made = append $made (include "mandat.postgres.ca" $of) }}
{{- range $roles }}{{ $_ := set $found .password.secret (list "username") }}{{ end }}
{{- end }}
{{- range $files }}
{{- if and .secret (not (has .secret $made)) }}
{{- $_ := set $found .secret (uniq (concat (get $found .secret | default list) (values .files))) }}
{{- end }}
{{- end }}
{{- end }}
{{- $read := list $values.directories }}
{{- range $values.services }}
{{- $read = append $read .database.url }}
{{- if $values.auditVerification.enabled }}{{ $read = append $read .auditor.url }}{{ end }}
{{- end }}
{{- range $read }}
{{- if .secret }}
{{- $_ := set $found .secret (uniq (append (get $found .secret | default list) .key)) }}
{{- end }}
{{- end }}
{{- range $name, $keys := $found }}
{{ $name }}: {{ toJson (sortAlpha $keys) }}
{{- end }}
{{- end }}
