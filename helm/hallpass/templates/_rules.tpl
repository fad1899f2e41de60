{{/* What Hallpass may do. The same as deploy/rbac.yaml, which says why line by line; a test compares them. */}}
{{- define "hallpass.rules" -}}
- apiGroups: ['']
  resources: ['pods']
  verbs: ['get', 'list', 'watch']
- apiGroups: ['']
  resources: ['pods/ephemeralcontainers']
  verbs: ['patch']
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
{{- if .Values.rbac.logs }}
# deploy/rbac-logs.yaml
- apiGroups: ['']
  resources: ['pods/log']
  verbs: ['get']
{{- end }}
{{- if .Values.rbac.portForward }}
# deploy/rbac-portforward.yaml
- apiGroups: ['']
  resources: ['pods/portforward']
  verbs: ['get', 'create']
{{- end }}
{{- end -}}
