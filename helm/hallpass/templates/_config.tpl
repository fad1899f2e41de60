{{/*
The configuration as Hallpass reads it: what stands in `config`, with the chart's own keys, and each
{existingSecret, key} replaced by the path where it is mounted. Gives YAML.
*/}}
{{- define "hallpass.config" -}}
{{- include "hallpass.checks" . -}}
{{- $config := get (fromJson (include "hallpass.withPaths" .Values.config)) "value" -}}
{{- if .Values.tls.enabled -}}
{{- $secret := include "hallpass.tlsSecret" . -}}
{{- $paths := dict "certFile" (printf "/run/secrets/hallpass/%s/tls.crt" $secret) "keyFile" (printf "/run/secrets/hallpass/%s/tls.key" $secret) -}}
{{- $_ := set $config.server "tls" $paths -}}
{{- end -}}
{{- /* What is left of the Pod's time to end when its preStop hook is done, less what a process takes to be gone. */ -}}
{{- $left := max 2 (sub (sub (int .Values.terminationGracePeriodSeconds) (int .Values.preStopSleepSeconds)) 3) -}}
{{- /* Where the hook has waited, only people in terminals are still to be told. */ -}}
{{- $drain := ternary (min 10 (div $left 4)) (div $left 2) (gt (int .Values.preStopSleepSeconds) 0) -}}
{{- if not (hasKey $config.server "graceSeconds") -}}{{- $_ := set $config.server "graceSeconds" $left -}}{{- end -}}
{{- if not (hasKey $config.server "drainSeconds") -}}{{- $_ := set $config.server "drainSeconds" (min $drain (sub (int $config.server.graceSeconds) 1)) -}}{{- end -}}
{{- if ge (int $config.server.drainSeconds) (int $config.server.graceSeconds) -}}
  {{- fail (printf "config.server.drainSeconds (%v) must be below config.server.graceSeconds (%v), which is what terminationGracePeriodSeconds leaves where it is not set." $config.server.drainSeconds $config.server.graceSeconds) -}}
{{- end -}}
{{- if ge (add (int .Values.preStopSleepSeconds) (int $config.server.graceSeconds)) (int64 .Values.terminationGracePeriodSeconds) -}}
  {{- fail (printf "terminationGracePeriodSeconds (%v) must be above preStopSleepSeconds (%v) and config.server.graceSeconds (%v) together: Hallpass is killed before it is done otherwise." .Values.terminationGracePeriodSeconds .Values.preStopSleepSeconds $config.server.graceSeconds) -}}
{{- end -}}
{{- $folders := list -}}
{{- range fromJsonArray (include "hallpass.policyMaps" .) -}}
{{- $folders = append $folders (printf "/etc/hallpass/policies/%s" .) -}}
{{- end -}}
{{- $_ := set $config "policies" (dict "folders" $folders) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* A value of `config` with files replaced by paths, as {"value": …} in JSON. */}}
{{- define "hallpass.withPaths" -}}
{{- if kindIs "map" . -}}
  {{- if hasKey . "existingSecret" -}}
    {{- dict "value" (printf "/run/secrets/hallpass/%s/%s" .existingSecret .key) | toJson -}}
  {{- else if hasKey . "existingConfigMap" -}}
    {{- dict "value" (printf "/etc/hallpass/files/%s/%s" .existingConfigMap .key) | toJson -}}
  {{- else -}}
    {{- $made := dict -}}
    {{- range $name, $value := . -}}
      {{- $_ := set $made $name (get (fromJson (include "hallpass.withPaths" $value)) "value") -}}
    {{- end -}}
    {{- dict "value" $made | toJson -}}
  {{- end -}}
{{- else if kindIs "slice" . -}}
  {{- $made := list -}}
  {{- range . -}}
    {{- $made = append $made (get (fromJson (include "hallpass.withPaths" .)) "value") -}}
  {{- end -}}
  {{- dict "value" $made | toJson -}}
{{- else -}}
  {{- dict "value" . | toJson -}}
{{- end -}}
{{- end -}}

{{/* What `trustedCa` names, in the form of a file of `config`; nothing where it names nothing. Gives JSON. */}}
{{- define "hallpass.trustedCa" -}}
{{- $ca := .Values.trustedCa | default dict -}}
{{- if $ca.existingConfigMap -}}
{{- pick $ca "existingConfigMap" "key" | toJson -}}
{{- else if $ca.existingSecret -}}
{{- pick $ca "existingSecret" "key" | toJson -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* The variable by which Node trusts what `trustedCa` names. Gives an item of `env`, or nothing. */}}
{{- define "hallpass.trustedCaVariable" -}}
{{- with fromJson (include "hallpass.trustedCa" .) -}}
- name: NODE_EXTRA_CA_CERTS
  value: {{ get (fromJson (include "hallpass.withPaths" .)) "value" | quote }}
{{- end -}}
{{- end -}}

{{/* What `config` names in Secrets and ConfigMaps: a line `KIND NAME KEY` for each. */}}
{{- define "hallpass.filesNamed" -}}
{{- if kindIs "map" . -}}
  {{- if hasKey . "existingSecret" }}
{{ printf "secret %s %s" .existingSecret .key }}
  {{- else if hasKey . "existingConfigMap" }}
{{ printf "configMap %s %s" .existingConfigMap .key }}
  {{- else -}}
    {{- range . -}}{{- include "hallpass.filesNamed" . -}}{{- end -}}
  {{- end -}}
{{- else if kindIs "slice" . -}}
  {{- range . -}}{{- include "hallpass.filesNamed" . -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The sources of a projected volume. Takes (dict "kind" "secret"|"configMap" "lines" …). */}}
{{- define "hallpass.sources" -}}
{{- range $line := uniq (splitList "\n" (trim .lines)) -}}
{{- $words := splitList " " $line -}}
{{- if eq (first $words) $.kind }}
- {{ $.kind }}:
    name: {{ index $words 1 | quote }}
    items:
      - key: {{ index $words 2 | quote }}
        path: {{ printf "%s/%s" (index $words 1) (index $words 2) | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The names of the ConfigMaps with policy documents, as JSON. */}}
{{- define "hallpass.policyMaps" -}}
{{- $own := printf "%s-policies" (include "hallpass.fullname" .) -}}
{{- $existing := .Values.policies.existingConfigMaps | default list | uniq -}}
{{- if or .Values.policies.documents (not $existing) -}}
{{- prepend $existing $own | toJson -}}
{{- else -}}
{{- $existing | toJson -}}
{{- end -}}
{{- end -}}

{{- define "hallpass.tlsSecret" -}}
{{- default (printf "%s-tls" (include "hallpass.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}
