// One pool: a scale set of VMs that are runners of one cluster. It holds no VM until the app asks for some.
param location string
param tags object
param token string
param pool object
param subnetId string
param identityId string
param identityClientId string
param accountName string
param dataAccountName string
param sealingKeysUrl string
param insightsConnectionString string
param reservedNames string
param sshPublicKey string
@secure()
param adminPassword string
@description('Whether the set is there already: then its capacity is the app\'s business, and no deployment\'s.')
param isDeployed bool
param appPrincipalId string
param keepOutputDays int
param telemetryExporter string

var virtualMachineContributor = '9980e02c-c2be-4d73-94e8-173b1dc7cf3c'
var spot = toLower(pool.vmPriority) == 'lowpriority'
var adminKey = { path: '/home/batchai/.ssh/authorized_keys', keyData: sshPublicKey }
// BATCHAI_NODE_ID is left out: the host's name is the VM's.
var environment = [
  'BATCHAI_STORAGE__accountName=${accountName}'
  'BATCHAI_STORAGE__blobServiceUri=${account.properties.primaryEndpoints.blob}'
  'BATCHAI_STORAGE__fileServiceUri=${account.properties.primaryEndpoints.file}'
  'BATCHAI_STORAGE__queueServiceUri=${account.properties.primaryEndpoints.queue}'
  'BATCHAI_STORAGE__tableServiceUri=${account.properties.primaryEndpoints.table}'
  'BATCHAI_STORAGE__clientId=${identityClientId}'
  'BATCHAI_SEALING_KEYS_SECRET=${sealingKeysUrl}'
  'BATCHAI_CLUSTER=${pool.cluster}'
  'BATCHAI_SUBSCRIPTION_ID=${subscription().subscriptionId}'
  'BATCHAI_RESOURCE_GROUP=${resourceGroup().name}'
  'BATCHAI_LOCATION=${location}'
  'BATCHAI_RESERVED_NAMES="${reservedNames}"'
  'AZURE_BATCHAI_STORAGE_ACCOUNT=${dataAccountName}'
  'BATCHAI_KEEP_OUTPUT_DAYS=${keepOutputDays}'
  'OTEL_TRACES_EXPORTER=${telemetryExporter}'
  'OTEL_METRICS_EXPORTER=${telemetryExporter}'
  'APPLICATIONINSIGHTS_CONNECTION_STRING="${insightsConnectionString}"'
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING="ClientId=${identityClientId};Authorization=AAD"'
]
var fetch = [
  'PACKAGES=${account.properties.primaryEndpoints.blob}packages'
  'CLIENT_ID=${identityClientId}'
]
var withRunner = replace(loadTextContent('../cloud-init.yaml'), 'UlVOTkVSX0VOVg==', base64('${join(environment, '\n')}\n'))
var withFetch = replace(withRunner, 'RkVUQ0hfRU5W', base64('${join(fetch, '\n')}\n'))
var customData = replace(withFetch, 'RkVUQ0hfUlVOTkVS', base64(loadTextContent('../fetch-runner')))

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource machines 'Microsoft.Compute/virtualMachineScaleSets@2025-04-01' = {
  name: 'vmss-${pool.name}-${token}'
  location: location
  // By the second the app finds the set of a cluster: shared/stores/scale_sets.py.
  tags: union(tags, { 'batchai-pool': pool.name, 'batchai-cluster': pool.cluster })
  // ARM refuses a sku without a capacity, and takes the VMs away that are beyond one: docs/adr/0272.
  sku: isDeployed ? null : { name: pool.vmSize, tier: 'Standard', capacity: pool.?capacity ?? 0 }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    orchestrationMode: 'Flexible'
    platformFaultDomainCount: 1
    singlePlacementGroup: false
    virtualMachineProfile: {
      priority: spot ? 'Spot' : 'Regular'
      evictionPolicy: spot ? 'Delete' : null
      billingProfile: spot ? { maxPrice: json('-1') } : null
      scheduledEventsProfile: {
        terminateNotificationProfile: {
          enable: true
          notBeforeTimeout: 'PT5M'
        }
      }
      storageProfile: {
        imageReference: {
          publisher: 'microsoft-dsvm'
          offer: 'ubuntu-hpc'
          sku: '2404'
          version: 'latest'
        }
        osDisk: {
          createOption: 'FromImage'
          caching: 'ReadWrite'
          deleteOption: 'Delete'
          managedDisk: {
            storageAccountType: 'Premium_LRS'
          }
        }
      }
      osProfile: {
        computerNamePrefix: 'bai-${pool.name}-'
        adminUsername: 'batchai'
        adminPassword: empty(sshPublicKey) ? adminPassword : null
        customData: base64(customData)
        linuxConfiguration: {
          disablePasswordAuthentication: !empty(sshPublicKey)
          ssh: empty(sshPublicKey) ? null : { publicKeys: [adminKey] }
        }
      }
      networkProfile: {
        networkApiVersion: '2022-11-01'
        networkInterfaceConfigurations: [
          {
            name: 'nic'
            properties: {
              primary: true
              deleteOption: 'Delete'
              ipConfigurations: [
                {
                  name: 'ip'
                  properties: {
                    primary: true
                    subnet: {
                      id: subnetId
                    }
                    // Only for the way out; docs/adr/0201-the-way-out-of-a-pool.md
                    publicIPAddressConfiguration: {
                      name: 'out'
                      sku: {
                        name: 'Standard'
                      }
                      properties: {
                        deleteOption: 'Delete'
                        idleTimeoutInMinutes: 15
                      }
                    }
                  }
                }
              ]
            }
          }
        ]
      }
      diagnosticsProfile: {
        bootDiagnostics: {
          enabled: true
        }
      }
    }
  }
}

resource appScales 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(machines.id, appPrincipalId, virtualMachineContributor)
  scope: machines
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', virtualMachineContributor)
  }
}
