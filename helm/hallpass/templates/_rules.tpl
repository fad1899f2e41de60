{{/* What Hallpass may do. The same as deploy/rbac.yaml, which says why line by line; a test compares them. */}}
{{- define "hallpass.rules" -}}
{{- /* In people's names, some are theirs to have. */}}
{{- $isOwn := eq .Values.rbac.impersonate "none" -}}
- apiGroups: ['']
  resources: ['pods']
  verbs: ['get', 'list', 'watch']
{{- if $isOwn }}
- apiGroups: ['']
  resources: ['pods/ephemeralcontainers']
  verbs: ['patch']
{{- end }}
- apiGroups: ['']
  resources: ['pods/exec']
  verbs: ['get', 'create']
- apiGroups: ['']
  resources: ['pods/attach']
  verbs: ['get', 'create']
- apiGroups: ['']
  resources: ['namespaces']
  verbs: ['get']
- apiGroups: ['apps']
  resources: ['deployments', 'statefulsets', 'daemonsets']
  verbs: ['get']
- apiGroups: ['apps']
  resources: ['replicasets']
  verbs: ['list']
- apiGroups: ['batch']
  resources: ['jobs']
  verbs: ['get']
{{- if .Values.rbac.evict }}
# deploy/rbac-evict.yaml
- apiGroups: ['']
  resources: ['pods/eviction']
  verbs: ['create']
{{- end }}
{{- if and .Values.rbac.logs $isOwn }}
# deploy/rbac-logs.yaml
- apiGroups: ['']
  resources: ['pods/log']
  verbs: ['get']
{{- end }}
{{- if and .Values.rbac.portForward $isOwn }}
# deploy/rbac-portforward.yaml
- apiGroups: ['']
  resources: ['pods/portforward']
  verbs: ['get', 'create']
{{- end }}
{{- end -}}

{{/* The namespaces of the cluster that Hallpass runs in, as JSON. */}}
{{- define "hallpass.namespaces" -}}
{{- $namespaces := list -}}
{{- range .Values.config.clusters -}}
  {{- if .inCluster -}}{{- $namespaces = concat $namespaces (.namespaces | default list) -}}{{- end -}}
{{- end -}}
{{- uniq $namespaces | toJson -}}
{{- end -}}
