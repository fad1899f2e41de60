{{/* Rules that reach over several values, and what is missing: each with a sentence. Gives nothing. */}}
{{- define "hallpass.checks" -}}
{{- $values := .Values -}}
{{- $config := .Values.config -}}
{{- if not .Values.image.repository -}}
  {{- fail "image.repository is missing: give the place that you pushed the image to, such as registry.example.com/hallpass (docs/image.md)." -}}
{{- end -}}
{{- if not $config.server.publicUrl -}}
  {{- fail "config.server.publicUrl is missing: give the address under which people reach Hallpass, such as https://hallpass.example.com." -}}
{{- end -}}
{{- if not $config.identity.issuers -}}
  {{- fail "config.identity.issuers is empty: name one issuer at least, whose tokens are trusted, such as [{issuer: https://login.example.com, audience: hallpass}]." -}}
{{- end -}}
{{- if not $config.clusters -}}
  {{- fail "config.clusters is empty: name one cluster at least, such as [{name: local, inCluster: true, namespaces: [shop]}]." -}}
{{- end -}}
{{- if not $config.audit.keyFiles -}}
  {{- fail "config.audit.keyFiles is empty: name one key at least, which `hallpass audit keygen` makes, such as [{existingSecret: hallpass-audit-key, key: key}]." -}}
{{- end -}}
{{- /* As Hallpass itself has it when it starts: by what the items of a list are told apart. */ -}}
{{- $once := dict "clusters" "name" "identity.issuers" "issuer" "identity.people" "human" "audit.anchors" "name" -}}
{{- $once = merge $once (dict "audit.sinks" "name" "notifications.channels" "name" "onCall.secrets" "name") -}}
{{- range $path, $key := $once -}}
  {{- $items := $config -}}
  {{- range splitList "." $path -}}{{- $items = get ($items | default dict) . -}}{{- end -}}
  {{- $seen := list -}}
  {{- range $items | default list -}}
    {{- $name := get . $key -}}
    {{- if has $name $seen -}}
      {{- fail (printf "config.%s[].%s is %s twice: each may be there once." $path $key $name) -}}
    {{- end -}}
    {{- $seen = append $seen $name -}}
  {{- end -}}
{{- end -}}
{{- $isUrlInEnv := false -}}
{{- range .Values.extraEnv -}}
  {{- if has .name (list "DATABASE_URL" "HALLPASS_DATABASE__URL" "HALLPASS_DATABASE__URL_FILE" "HALLPASS_DATABASE") -}}{{- $isUrlInEnv = true -}}{{- end -}}
{{- end -}}
{{- if not (or $config.database.urlFile $isUrlInEnv) -}}
  {{- fail "config.database.urlFile is missing: name the Secret with the database's URL, such as {existingSecret: hallpass-database, key: url}." -}}
{{- end -}}
{{- with .Values.trustedCa -}}
  {{- if and .existingConfigMap .existingSecret -}}
    {{- fail (printf "trustedCa names both the ConfigMap %s and the Secret %s. Give one of them." .existingConfigMap .existingSecret) -}}
  {{- end -}}
  {{- if and (or .existingConfigMap .existingSecret) (not .key) -}}
    {{- fail "trustedCa.key is missing: name the key that holds the certificates, such as ca.crt." -}}
  {{- end -}}
{{- end -}}
{{- if include "hallpass.trustedCaVariable" . -}}
  {{- range concat (.Values.extraEnv | default list) ((.Values.migrations | default dict).extraEnv | default list) -}}
    {{- if eq .name "NODE_EXTRA_CA_CERTS" -}}
      {{- fail "NODE_EXTRA_CA_CERTS is in extraEnv or migrations.extraEnv, and trustedCa sets it, too: Node reads one file. Leave the variable to trustedCa, and put all certificates into what it names." -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- $name := include "hallpass.fullname" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $name) -}}
  {{- fail (printf "The release is called %s, and so the objects %s, which no Service can be called: it begins with a small letter and has none but these, digits and dashes. Set fullnameOverride." .Release.Name $name) -}}
{{- end -}}
{{- if ge (int .Values.preStopSleepSeconds) (int .Values.terminationGracePeriodSeconds) -}}
  {{- fail (printf "terminationGracePeriodSeconds (%v) must be above preStopSleepSeconds (%v): what remains is all the time that people in terminals have." .Values.terminationGracePeriodSeconds .Values.preStopSleepSeconds) -}}
{{- end -}}
{{- range $config.clusters -}}
  {{- if and .inCluster $values.rbac.create (eq $values.rbac.scope "namespaces") -}}
    {{- range .namespaces -}}
      {{- if contains "*" . -}}
        {{- fail (printf "config.clusters[].namespaces has the pattern %q, but rbac.scope is namespaces: a Role is in one namespace. Name each in full, or set rbac.scope to cluster." .) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- if and .inCluster .kubeconfig -}}
    {{- fail (printf "config.clusters: %s has both inCluster and kubeconfig. Give one of them." .name) -}}
  {{- end -}}
  {{- if not (or .inCluster .kubeconfig) -}}
    {{- fail (printf "config.clusters: %s has neither inCluster nor kubeconfig. Give one of them." .name) -}}
  {{- end -}}
{{- end -}}
{{- if gt (len (include "hallpass.isInCluster" .)) 4 -}}
  {{- fail "config.clusters has inCluster: true more than once: Hallpass runs in one cluster." -}}
{{- end -}}
{{- if .Values.tls.enabled -}}
  {{- if not (or .Values.tls.existingSecret .Values.tls.certificate.enabled) -}}
    {{- fail "tls.enabled is true: name a Secret in tls.existingSecret, or let cert-manager make the certificate with tls.certificate.enabled." -}}
  {{- end -}}
{{- end -}}
{{- if .Values.tls.certificate.enabled -}}
  {{- if not .Values.tls.certificate.issuerRef.name -}}
    {{- fail "tls.certificate.issuerRef.name is missing: name the issuer of cert-manager that makes the certificate." -}}
  {{- end -}}
  {{- with .Values.tls.certificate -}}
    {{- if ge (now | dateModify .renewBefore | unixEpoch | int64) (now | dateModify .duration | unixEpoch | int64) -}}
      {{- fail (printf "tls.certificate.renewBefore (%s) must be below tls.certificate.duration (%s): it says how long before the end the next one is made." .renewBefore .duration) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (ne .Values.ingress.path "/") -}}
  {{- fail (printf "ingress.path is %s: Hallpass is served at the root of its host, where its pages and cookies are, and an Ingress takes nothing off a path. Leave it at /, and give Hallpass a host of its own." .Values.ingress.path) -}}
{{- end -}}
{{- $publicPath := get (urlParse $config.server.publicUrl) "path" -}}
{{- if and $publicPath (or .Values.ingress.enabled .Values.gateway.enabled) -}}
  {{- fail (printf "config.server.publicUrl has the path %s: Hallpass is served at the root of its host, and neither the Ingress nor the HTTPRoute of this chart takes anything off a path. Give Hallpass a host of its own." $publicPath) -}}
{{- end -}}
{{- $isByAddress := regexMatch "^([0-9.]+|\\[.*)$" (include "hallpass.publicHost" .) -}}
{{- if and $isByAddress (or (and .Values.ingress.enabled (not .Values.ingress.host)) (and .Values.gateway.enabled (not .Values.gateway.hostnames))) -}}
  {{- fail (printf "config.server.publicUrl names the address %s: an Ingress and an HTTPRoute are for names in DNS. Give Hallpass one, or name it in ingress.host or gateway.hostnames." (include "hallpass.publicHost" .)) -}}
{{- end -}}
{{- if and .Values.gateway.enabled (not .Values.gateway.parentRefs) -}}
  {{- fail "gateway.parentRefs is empty: name the Gateway that the HTTPRoute belongs to, such as [{name: public, namespace: gateways}]." -}}
{{- end -}}
{{- if and .Values.migrations.enabled (not $config.database.serviceUser) -}}
  {{- fail "config.database.serviceUser is missing: migrations grant that role what Hallpass needs, and do not read the URL that has its name." -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service) -}}
  {{- fail "metrics.serviceMonitor.enabled is true: it finds replicas by the Service of the management port, so metrics.service must be true as well." -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.ingress.metrics) -}}
  {{- fail "metrics.serviceMonitor.enabled is true, but networkPolicy.ingress.metrics names nobody: Prometheus could not reach the management port. Name its namespace there, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]." -}}
{{- end -}}
{{- if and .Values.rbac.create (include "hallpass.isInCluster" .) -}}
  {{- $impersonates := include "hallpass.impersonates" . -}}
  {{- if and $impersonates (eq .Values.rbac.impersonate "none") -}}
    {{- fail "config.clusters has impersonate, but rbac.impersonate is none: every session would be refused. Set rbac.impersonate to classic, or to constrained from Kubernetes 1.36 on." -}}
  {{- end -}}
  {{- if and (not $impersonates) (ne .Values.rbac.impersonate "none") -}}
    {{- fail (printf "rbac.impersonate is %s, but no cluster of config.clusters that is inCluster has impersonate: nobody would be acted for. Add `impersonate: {}` there." .Values.rbac.impersonate) -}}
  {{- end -}}
{{- end -}}
{{- if and (eq .Values.rbac.impersonate "constrained") (semverCompare "<1.36-0" .Capabilities.KubeVersion.Version) -}}
  {{- fail (printf "rbac.impersonate is constrained, which needs Kubernetes 1.36: this is %s. Take classic." .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- range .Values.lockdown.exceptGroups -}}
  {{- if has . (list "system:authenticated" "system:unauthenticated" "system:serviceaccounts") -}}
    {{- fail (printf "lockdown.exceptGroups has %s, which everybody is in: nothing would be closed." .) -}}
  {{- end -}}
{{- end -}}
{{- if and (ne (include "hallpass.lockdownMode" .) "off") (semverCompare "<1.30-0" .Capabilities.KubeVersion.Version) -}}
  {{- fail (printf "lockdown.mode is %s, which needs Kubernetes 1.30: this is %s." .Values.lockdown.mode .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}
