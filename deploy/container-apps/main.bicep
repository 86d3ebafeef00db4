// Runners as a job of Azure Container Apps with GPUs: an execution for each node that the cluster's jobs need.
// docs/how-to/existing-engines.md says when this is the right way, and what it cannot do.
@description('Region. It must have the GPU profile.')
param location string = resourceGroup().location

@description('Name of the job, and of the environment that is made for it.')
@minLength(2)
@maxLength(24)
param name string = 'batchai-runner'

@description('The image of the runner: scripts/runner-image.')
param image string

@description('Registry of the image, which the identity may pull from; such as myregistry.azurecr.io.')
param registry string

@description('Resource id of the identity of the runners (infra/modules/identities.bicep).')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Account of the tables, queues and accepted documents.')
param accountName string

@description('Account of the containers and shares that jobs mount.')
param dataAccountName string = accountName

@description('Share that jobs mount; it is premounted.')
param shareName string = 'logs'

@description('Key of the data account: Container Apps mounts shares with nothing else.')
@secure()
param dataAccountKey string

@description('URL of the secret that holds the sealing keys.')
param sealingKeysUrl string

@description('The cluster that the runners work for: workspace and name.')
param workspace string = 'default'
param cluster string = 'default'

@description('URL of the function app, without a slash at the end.')
param appUrl string

@description('A function key of the app, for asking how many nodes are needed.')
@secure()
param appKey string

@description('Resource group of the installation: that of its documents.')
param installationGroup string = resourceGroup().name

@description('Workload profile with a GPU.')
param gpuProfile string = 'Consumption-GPU-NC8as-T4'

@description('Most nodes at once, as maximumNodeCount in cluster.json.')
@minValue(1)
param maximumNodes int = 4

@description('Longest run of a job, in seconds; then Container Apps ends it.')
param replicaTimeout int = 86400

var path = '/subscriptions/${subscription().subscriptionId}/resourceGroups/${installationGroup}/providers/Microsoft.BatchAI/workspaces/${workspace}/clusters/${cluster}/demand?api-version=2018-05-01'
var premounted = '{"${dataAccountName}/${shareName}": "/shares/${shareName}"}'

resource environment 'Microsoft.App/managedEnvironments@2025-07-01' = {
  name: 'cae-${name}'
  location: location
  properties: {
    workloadProfiles: [
      {
        name: 'gpu'
        workloadProfileType: gpuProfile
      }
    ]
  }
}

resource share 'Microsoft.App/managedEnvironments/storages@2025-07-01' = {
  parent: environment
  name: 'share'
  properties: {
    azureFile: {
      accountName: dataAccountName
      accountKey: dataAccountKey
      shareName: shareName
      accessMode: 'ReadWrite'
    }
  }
}

resource runner 'Microsoft.App/jobs@2025-07-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    environmentId: environment.id
    workloadProfileName: 'gpu'
    configuration: {
      triggerType: 'Event'
      replicaTimeout: replicaTimeout
      // What is to be tried again is decided by the queue.
      replicaRetryLimit: 0
      registries: [
        {
          server: registry
          identity: identityId
        }
      ]
      secrets: [
        {
          name: 'app-key'
          value: appKey
        }
      ]
      eventTriggerConfig: {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: maximumNodes
          pollingInterval: 15
          rules: [
            {
              name: 'demand'
              type: 'metrics-api'
              metadata: {
                url: '${appUrl}${path}'
                valueLocation: 'nodes'
                targetValue: '1'
                authMode: 'apiKey'
                method: 'header'
                keyParamName: 'x-functions-key'
              }
              auth: [
                {
                  secretRef: 'app-key'
                  triggerParameter: 'apiKey'
                }
              ]
            }
          ]
        }
      }
    }
    template: {
      containers: [
        {
          name: 'runner'
          image: image
          args: ['--once', '--idle-exit', '120']
          resources: {
            cpu: json('8')
            memory: '56Gi'
          }
          env: [
            { name: 'BATCHAI_STORAGE__accountName', value: accountName }
            { name: 'BATCHAI_STORAGE__clientId', value: identityClientId }
            { name: 'BATCHAI_SEALING_KEYS_SECRET', value: sealingKeysUrl }
            { name: 'AZURE_BATCHAI_STORAGE_ACCOUNT', value: dataAccountName }
            { name: 'BATCHAI_SUBSCRIPTION_ID', value: subscription().subscriptionId }
            { name: 'BATCHAI_RESOURCE_GROUP', value: installationGroup }
            { name: 'BATCHAI_LOCATION', value: location }
            { name: 'BATCHAI_CLUSTER', value: '${workspace}/${cluster}' }
            {
              name: 'BATCHAI_RESERVED_NAMES'
              value: 'packages app-package azure-webjobs-hosts azure-webjobs-secrets'
            }
            { name: 'BATCHAI_PREMOUNTED', value: premounted }
          ]
          volumeMounts: [
            { volumeName: 'share', mountPath: '/shares/${shareName}' }
            { volumeName: 'node', mountPath: '/var/lib/batchai' }
          ]
        }
      ]
      volumes: [
        {
          name: 'share'
          storageType: 'AzureFile'
          storageName: share.name
          mountOptions: 'uid=10001,gid=10001,dir_mode=0770,file_mode=0770,mfsymlinks'
        }
        {
          name: 'node'
          storageType: 'EmptyDir'
        }
      ]
    }
  }
}

output runnerJob string = runner.name
