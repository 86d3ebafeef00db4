"""The first cells of a notebook of 2018, with the packages it imported. Runs in an environment of its own.

Argument: JSON with url, subscription, group, and files, a connection string of the file shares. It makes the
group, a share and a script in it, and prints what it finds.
"""

import json
import sys

from azure.mgmt.resource import ResourceManagementClient
from azure.storage.file import FileService
from msrest.authentication import BasicTokenAuthentication

ASKED = json.loads(sys.argv[1])

# --- "Create Resource Group"
token = BasicTokenAuthentication({"access_token": "x"})
resources = ResourceManagementClient(token, ASKED["subscription"], base_url=ASKED["url"])
group = resources.resource_groups.create_or_update(ASKED["group"], {"location": "eastus"})
assert (group.name, group.properties.provisioning_state) == (ASKED["group"], "Succeeded")
assert resources.resource_groups.check_existence(ASKED["group"])
assert resources.resource_groups.get(ASKED["group"]).location == group.location
assert ASKED["group"] in [found.name for found in resources.resource_groups.list()]

# --- "Create File Share" and "Deploy Sample Script"
service = FileService(connection_string=ASKED["files"])
service.create_share("notebook", fail_on_exist=False)
service.create_directory("notebook", "sample", fail_on_exist=False)
service.create_file_from_text("notebook", "sample", "train.sh", "echo trained on $1\n")
assert service.get_file_to_text("notebook", "sample", "train.sh").content == "echo trained on $1\n"
assert service.exists("notebook", "sample", "train.sh") and not service.exists("notebook", "nothing")
assert service.get_file_properties("notebook", "sample", "train.sh").properties.content_length == 19
assert service.get_share_properties("notebook").properties.quota
assert [found.name for found in service.list_directories_and_files("notebook")] == ["sample"]
print(service.account_name, service.account_key)
